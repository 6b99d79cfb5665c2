"""The command line: a thin skin over riskscore.pipelines. Errors are one line; exit 0 done, 1 error, 2 usage."""

from riskscore.cli.main import app, main

__all__ = ["app", "main"]
