"""The description of a server's API against OpenAPI 3.1: BASE is its /v1."""
import json
import os
import urllib.request
from openapi_spec_validator import OpenAPIV31SpecValidator

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(os.environ["BASE"].removesuffix("/v1") + "/openapi.json") as answer:
    errors = list(OpenAPIV31SpecValidator(json.load(answer)).iter_errors())
assert not errors, errors
print("the description is valid")
