"""`python -m core.decoding`: a helper process."""

from __future__ import annotations

import sys

from core.decoding.child import main

if __name__ == "__main__":
    sys.exit(main())
