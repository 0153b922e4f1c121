"""Arrow types → the types of the output, which do not depend on how a file was written.

Views become plain types, which Arrow can filter and take. Everything nested is nullable, and the
items of a list are named ``element``, as in Parquet.
"""

import pyarrow as pa

_PLAIN = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def without_views(kind: pa.DataType) -> pa.DataType:
    """``kind`` with the plain type of each view in it and everything in it nullable."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, pa.ListType | pa.ListViewType):
        return pa.list_(_item(kind))
    if isinstance(kind, pa.LargeListType | pa.LargeListViewType):
        return pa.large_list(_item(kind))
    if isinstance(kind, pa.FixedSizeListType):
        return pa.list_(_item(kind), kind.list_size)
    if isinstance(kind, pa.MapType):
        key, item = map(without_views, (kind.key_type, kind.item_type))
        return pa.map_(key, item, kind.keys_sorted)
    if isinstance(kind, pa.StructType):
        return pa.struct([(field.name, without_views(field.type)) for field in kind])
    return kind


def _item(kind: pa.DataType) -> pa.Field:
    return pa.field("element", without_views(kind.value_type))
