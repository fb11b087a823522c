import t from 'tap'
import { isLoopback, toListenComplaint, toLocalUrl } from '../../src/settings/address.ts'

const hosts = [
  { host: '127.0.0.1', expected: true },
  { host: '127.8.8.8', expected: true },
  { host: '::1', expected: true },
  { host: 'LocalHost', expected: true },
  { host: '0.0.0.0', expected: false },
  { host: '::', expected: false },
  { host: '192.168.1.2', expected: false },
  { host: 'localhost.example', expected: false },
  { host: '', expected: false }
]
for (const { host, expected } of hosts) {
  t.equal(isLoopback(host), expected, `"${host}" is ${expected ? '' : 'not '}loopback`)
}

const urls = [
  { name: 'an address is called as it is', given: '127.0.0.1', expected: 'http://127.0.0.1:8686' },
  { name: 'a name is called as it is', given: 'localhost', expected: 'http://localhost:8686' },
  { name: 'every IPv4 address is called on loopback', given: '0.0.0.0', expected: 'http://127.0.0.1:8686' },
  { name: 'every IPv6 address is called on loopback', given: '::', expected: 'http://[::1]:8686' },
  { name: 'an IPv6 address gets brackets', given: '::1', expected: 'http://[::1]:8686' }
]
for (const { name, given, expected } of urls) {
  t.equal(toLocalUrl({ host: given, port: 8686 }), expected, name)
}

const complaints = [
  {
    name: 'a port in use is named with the flag that changes it',
    code: 'EADDRINUSE',
    port: 8686,
    expected: 'Port 8686 on 127.0.0.1 is in use; choose another port with --port (PORT).'
  },
  {
    name: 'the port of wrangler dev names its usual owner',
    code: 'EADDRINUSE',
    port: 8787,
    expected: 'Port 8787 on 127.0.0.1 is in use (wrangler dev listens there); choose another port with --port (PORT).'
  },
  {
    name: 'a port below 1024 may be closed to the user',
    code: 'EACCES',
    port: 80,
    expected: 'This user may not listen on port 80 of 127.0.0.1; choose a port above 1023 with --port (PORT).'
  },
  {
    name: 'an address of another machine cannot be listened on',
    code: 'EADDRNOTAVAIL',
    port: 8686,
    expected: '127.0.0.1 is not an address of this machine; choose one with --host (HOST).'
  },
  { name: 'any other failure is nobody\'s setting', code: 'EMFILE', port: 8686, expected: undefined }
]
for (const { name, code, port, expected } of complaints) {
  t.equal(toListenComplaint(code, { host: '127.0.0.1', port }), expected, name)
}
