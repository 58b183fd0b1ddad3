"""`python -m sdf_eval` is `sdf-eval`."""

import sys

from sdf_eval.cli.main import main

sys.exit(main())
