"""The documented module name of the workspace tools' stdio server (WS-116)."""

import sys

from massgen.tools.files.server import main

if __name__ == "__main__":
    sys.exit(main())
