"""The national platform's double (国家平台模拟器): a real HTTP server, as strict as the real receiver.

Written from the interface's own pages. It shares nothing with the gateway but the SM2/SM3/SM4 primitives, so that
a mistake in the gateway's reading of the format can't be mirrored here.
"""
