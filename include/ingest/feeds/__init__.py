"""Feeds of labels: fetched over HTTP within their limits, checked, and landed in MongoDB.

Knows no pipeline and no Airflow: settings, clocks, credentials and the opened database are given.
A URL in a feed is a text: nothing here opens one.
"""
