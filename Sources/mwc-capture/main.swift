import MWCCommands

runCapture()
