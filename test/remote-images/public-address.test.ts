import t from 'tap'
import { isPublicAddress } from '../../src/remote-images/public-address.ts'

const cases = [
  { kind: 'public', expected: true, addresses: ['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.1', '192.167.255.255', '198.17.255.255', '198.20.0.0', '223.255.255.255', '2606:4700:4700::1111', '2a00:1450:4001:82a::200e', '2001:200::1', '3fff:1000::1'] },
  { kind: 'this host', expected: false, addresses: ['0.0.0.0', '0.255.255.255', '::'] },
  { kind: 'loopback', expected: false, addresses: ['127.0.0.1', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1'] },
  { kind: 'private', expected: false, addresses: ['10.0.0.0', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255', 'fc00::1', 'fd00:ec2::254', 'fdff:ffff::1'] },
  { kind: 'link-local, with the metadata of clouds', expected: false, addresses: ['169.254.0.1', '169.254.169.254', '169.254.170.2', 'fe80::1', 'febf::1', 'fec0::1'] },
  { kind: 'between carriers and their customers', expected: false, addresses: ['100.64.0.0', '100.100.100.200', '100.127.255.255'] },
  { kind: 'an Azure host, as its guests see it', expected: false, addresses: ['168.63.129.16'] },
  { kind: 'documentation', expected: false, addresses: ['192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff::1', '3fff:fff::1'] },
  { kind: 'benchmarks', expected: false, addresses: ['198.18.0.1', '198.19.255.255', '2001:2::1'] },
  { kind: 'of protocols', expected: false, addresses: ['192.0.0.1', '192.0.0.192', '192.88.99.1', '2001:10::1', '2001:20::1', '5f00::1', '100::1'] },
  { kind: 'multicast and reserved', expected: false, addresses: ['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', 'ff02::1', 'ff0e::1', '4000::1'] },
  { kind: 'IPv4 in IPv6, even where that is public', expected: false, addresses: ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::a00:1', '2002:7f00:1::1', '2002:808:808::1', '2001:0:4136:e378:8000:63bf:80ff:fffe'] },
  { kind: 'no address', expected: false, addresses: ['', 'localhost', '127.1', '2130706433', '0x7f.0.0.1', '8.8.8.8.', '8.8.8', '[::1]', '8.8.8.8:80', 'example.com'] }
]

for (const { kind, expected, addresses } of cases) {
  t.test(`${kind}: ${expected ? 'may be called' : 'is not called'}`, t => {
    for (const address of addresses) t.equal(isPublicAddress(address), expected, address || 'nothing')
    t.end()
  })
}
