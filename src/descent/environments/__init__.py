"""Environments to learn to act in, many of one kind side by side, in numpy.

What happens where: ``stepping`` says what every one of them can do, ``streams`` draws the chance of
each by itself, ``cartpole`` balances a pole as Gymnasium's does, ``orchard`` is a game of small
pictures, ``orchard_players`` plays it without having learned, ``atari`` wraps the Arcade Learning
Environment, and ``playing`` counts what a player earns.
"""
