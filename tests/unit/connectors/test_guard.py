import pytest

from flowengine.connectors.guard import is_public, refuse_private
from flowengine.errors import Blocked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:808:808::", "2001:db8::1", "fec0::1", "not-an-address", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses(address):
    assert is_public(address)


def test_the_refusal_says_what_to_write():
    with pytest.raises(Blocked, match=r"internal\.example\.com \(10\.0\.0\.1\).*allow_private_network: true"):
        refuse_private("internal.example.com", "10.0.0.1")
