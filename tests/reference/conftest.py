import pytest

from riskscore.reference import tables


@pytest.fixture
def own(tmp_path):
    """A function that replaces tables by the text it is given, header line included."""

    def replaced(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        return tables(tmp_path)

    return replaced
