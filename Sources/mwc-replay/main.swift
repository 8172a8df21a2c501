import MWCCommands

main()
