"""Target profiles (接口适配): transports of real provinces beside the native one, each a YAML and a small codec."""
