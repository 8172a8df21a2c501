"""Runs a program on a terminal of its own, hangs up when it has said something, and tells how it ended.

    hangup.py TEXT PROGRAM [ARGUMENT ...]

Prints `exited STATUS` or `killed SIGNAL`.
"""

import os
import pty
import sys


def main():
    text, program = sys.argv[1].encode(), sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(program[0], program)
    said = b""
    while text not in said:
        # Linux says EIO when the program has ended and nobody holds the other side.
        said += os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        print("exited", os.WEXITSTATUS(status))
    else:
        print("killed", os.WTERMSIG(status))


main()
