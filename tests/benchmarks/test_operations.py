from benchmarks.operations import own_operations, plain_operations, waiting


def test_own_forward_dispatches_the_same_whatever_the_languages_and_never_waits():
    many, one = own_operations(8, 4), own_operations(8, 1)
    assert many.total() == one.total() < plain_operations(8, 4).total()
    assert waiting(many) == 0 < waiting(plain_operations(8, 4))
