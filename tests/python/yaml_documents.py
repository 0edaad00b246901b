"""Prints the documents of files of YAML as JSON, in the order of the files.

Arguments: files; before them `--schema FILE`, where each document is to fit that JSON schema.
"""

import json
import sys

import jsonschema
from strict_yaml import documents_of

files = sys.argv[1:]
schema = {}
if files[0] == "--schema":
    with open(files[1]) as text:
        schema = json.load(text)
    files = files[2:]
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
documents, wrong = [], []
for file in files:
    for document in documents_of(file):
        documents.append(document)
        for error in validator.iter_errors(document):
            wrong.append(f"{file}: {error.json_path}: {error.message}")
if wrong:
    sys.exit("\n".join(wrong))
json.dump(documents, sys.stdout)
