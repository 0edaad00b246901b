"""Reads Kubernetes objects as an API server would: strictly. Prints those of each file as JSON.

Arguments: folder of JSON schemas for kinds that Kubernetes does not have itself, then files of
YAML. Each object is checked against the schemas of the oldest and the newest Kubernetes that are
spoken for; unknown fields are refused, and so are keys that stand twice.
"""

import json
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate
from strict_yaml import documents_of

# Probes over gRPC are there for good since the first.
VERSIONS = ["1.27", "1.37"]


def schemas(folder):
    found = {}
    for path in sorted(Path(folder).glob("*.json")):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        names = schema["properties"]
        key = (names["apiVersion"]["const"], names["kind"]["const"])
        found[key] = jsonschema.Draft202012Validator(schema)
    return found


def faults(document, custom):
    name = f"{document.get('kind')} {document.get('metadata', {}).get('name')}"
    validator = custom.get((document.get("apiVersion"), document.get("kind")))
    if validator:
        for error in validator.iter_errors(document):
            yield f"{name}: {error.json_path}: {error.message}"
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(map(str, error.path))
            yield f"{name} in Kubernetes {version}: {path}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{name}: Kubernetes {version} knows no {document.get('apiVersion')} of this kind"


custom = schemas(sys.argv[1])
files, wrong = [], []
for file in sys.argv[2:]:
    documents = documents_of(file)
    files.append(documents)
    for document in documents:
        wrong.extend(f"{file}: {fault}" for fault in faults(document, custom))
if wrong:
    sys.exit("\n".join(wrong))
json.dump(files, sys.stdout)
