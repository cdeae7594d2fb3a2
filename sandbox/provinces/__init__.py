"""Doubles of provincial receivers (省级平台替身): real servers that check all that their interfaces say."""
