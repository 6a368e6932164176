"""The exit codes of the command line; 0 means that the command succeeded."""

from __future__ import annotations

EXIT_SYSTEM = 1  #: The computer refused: no memory, no disk space or no permission.
EXIT_WRONG_INPUT = 2  #: The input is wrong; one message on stderr says how.
EXIT_INTERRUPTED = 130  #: Ctrl-C or a signal; the results so far are printed and kept.
