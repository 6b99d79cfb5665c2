"""The version, apart from the package's face so that everything may read it."""

VERSION = "0.1.0"
