"""`python -m sakshi` is the command `sakshi`."""

import sys

from sakshi.cli import main

if __name__ == "__main__":
    sys.exit(main())
