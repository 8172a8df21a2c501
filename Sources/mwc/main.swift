import MWCCommands

runMWC()
