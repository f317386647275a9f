"""What schemathesis does not know by itself: how lines of JSON, and texts of TOML, are written."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """One line; an example of the document is lines already."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "replace")


@schemathesis.serializer("application/toml")
def toml(context, value):
    """A text as it is; whatever else comes is one that is no TOML."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace")
