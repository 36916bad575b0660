"""What the modules beside it import."""


def double(number):
    return 2 * number
