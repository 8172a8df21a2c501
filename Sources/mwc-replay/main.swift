import MWCCommands

runReplay()
