"""What is blocked, in the formats that resolvers, firewalls and other platforms read.

It reads labels and the signed list and decides nothing itself.
"""
