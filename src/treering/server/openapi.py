"""Print the API's OpenAPI document: ``python -m treering.server.openapi``. The UI's types are generated from it."""

from __future__ import annotations

import json
import sys

from .app import new_api, openapi

if __name__ == "__main__":
    json.dump(openapi(new_api()), sys.stdout, indent=2)
    sys.stdout.write("\n")
