"""The optional parts of the package: what to say where a command's own libraries are not installed."""


def needed(extra: str, error: ModuleNotFoundError) -> str:
    """Return the sentence for a command whose extra is not here."""
    return f"{error.name} is not installed here (this command needs: pip install 'wolfsmoke[{extra}]')"
