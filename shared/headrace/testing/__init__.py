"""What tests of Headrace, and of what is built on it, stand on: brokers, fakes and builders."""
