"""The table of names: no entry is stale, none hides another field."""

import attrs
import pytest

from zadig_async.wire.names import RENAMES


@pytest.mark.parametrize("kind", RENAMES, ids=lambda kind: kind.__name__)
def test_every_renamed_field_exists_and_no_two_meet(kind: type[attrs.AttrsInstance]) -> None:
    renames = RENAMES[kind]
    fields = [field.name for field in attrs.fields(kind)]
    assert set(renames) <= set(fields)
    assert all(name != json_key for name, json_key in renames.items())
    on_the_wire = [renames.get(name, name) for name in fields]
    assert len(set(on_the_wire)) == len(on_the_wire)
