"""Peers, carriers and builders that the tests share."""
