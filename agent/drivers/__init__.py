"""One module a protocol, each with a class of one working method (``base.Driver``)."""
