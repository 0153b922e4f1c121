"""Arrow's view types → the equivalent types without views, which Arrow can filter and take."""

import pyarrow as pa

_PLAIN = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def without_views(kind: pa.DataType) -> pa.DataType:
    """``kind`` with the plain type of each view in it, at any depth."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, pa.ListType | pa.ListViewType):
        return pa.list_(_field(kind.value_field))
    if isinstance(kind, pa.LargeListType | pa.LargeListViewType):
        return pa.large_list(_field(kind.value_field))
    if isinstance(kind, pa.FixedSizeListType):
        return pa.list_(_field(kind.value_field), kind.list_size)
    if isinstance(kind, pa.MapType):
        return pa.map_(_field(kind.key_field), _field(kind.item_field), kind.keys_sorted)
    if isinstance(kind, pa.StructType):
        return pa.struct([_field(field) for field in kind])
    return kind


def _field(field: pa.Field) -> pa.Field:
    return field.with_type(without_views(field.type))
