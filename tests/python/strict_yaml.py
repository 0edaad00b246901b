"""YAML in which a key stands once."""

import yaml


class Strict(yaml.SafeLoader):
    """Refuses what other loaders pass over: the second of two equal keys would win."""

    def construct_mapping(self, node, deep=False):
        keys = [
            self.construct_object(key, deep=True)
            for key, _ in node.value
            if not key.tag.endswith(":merge")
        ]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"{', '.join(map(str, twice))} stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def documents_of(file):
    """The documents of a file."""
    with open(file) as text:
        return list(yaml.load_all(text, Strict))
