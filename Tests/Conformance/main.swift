internal import Glibc

exit(runPeer(Array(CommandLine.arguments.dropFirst())))
