"""Making the bucket that a store is to lie in."""


def create(location):
    raise NotImplementedError
