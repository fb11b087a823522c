import t from 'tap'
import { checkNetwork, toHost } from '../../../src/cli/doctor/network.ts'
import { UpstreamError } from '../../../src/errors.ts'
import { answered, listed, refusal, toContext, unlisted, unreachable } from './answers.ts'

const cases = [
  { name: 'a list that comes fast', given: listed, verdict: 'ok', message: /^api\.cloudflare\.com answered in 300 ms\.$/ },
  { name: 'a refusal is an answer, too', given: unlisted(refusal(10000)), verdict: 'ok', message: /answered in 300 ms/ },
  { name: 'a list that comes late', given: { ...listed, ms: 3_000 }, verdict: 'warning', message: /took 3000 ms .* less than 3000 ms is usual/, next: /VPN/ },
  { name: 'just in time', given: { ...listed, ms: 2_999 }, verdict: 'ok', message: /2999 ms/ },
  { name: 'a name that nobody knows', given: unlisted(unreachable('ENOTFOUND')), verdict: 'failed', message: /^Cannot resolve the host name api\.cloudflare\.com \(ENOTFOUND\)\.$/, next: /DNS/ },
  { name: 'a resolver that does not answer', given: unlisted(unreachable('EAI_AGAIN')), verdict: 'failed', message: /Cannot resolve/, next: /DNS/ },
  { name: 'a certificate of a firewall', given: unlisted(unreachable('SELF_SIGNED_CERT_IN_CHAIN')), verdict: 'failed', message: /Cannot establish a TLS connection .*\(SELF_SIGNED_CERT_IN_CHAIN\)/, next: /NODE_EXTRA_CA_CERTS/ },
  { name: 'a certificate nobody vouches for', given: unlisted(unreachable('UNABLE_TO_VERIFY_LEAF_SIGNATURE')), verdict: 'failed', message: /TLS/, next: /NODE_EXTRA_CA_CERTS/ },
  { name: 'a certificate of another name', given: unlisted(unreachable('ERR_TLS_CERT_ALTNAME_INVALID')), verdict: 'failed', message: /TLS/, next: /scheme/ },
  { name: 'something that speaks no TLS', given: unlisted(unreachable('ERR_SSL_WRONG_VERSION_NUMBER')), verdict: 'failed', message: /TLS/, next: /scheme/ },
  { name: 'nobody there', given: unlisted(unreachable('ECONNREFUSED')), verdict: 'failed', message: /Cannot connect to api\.cloudflare\.com \(ECONNREFUSED\)/, next: /firewall.*HTTPS_PROXY is not used/ },
  { name: 'nobody who answers', given: unlisted(unreachable('UND_ERR_CONNECT_TIMEOUT')), verdict: 'failed', message: /UND_ERR_CONNECT_TIMEOUT/, next: /firewall/ },
  { name: 'silence', given: unlisted(new UpstreamError('Cloudflare did not answer within 15 s', { kind: 'timeout' })), verdict: 'failed', message: /did not answer within 15 s\.$/, next: /CLOUDFLARE_API_BASE_URL/ },
  { name: 'a login page', given: unlisted(new UpstreamError('Cloudflare answered 200 with a web page instead of JSON', { kind: 'malformed', status: 200 })), verdict: 'failed', message: /web page/, next: /login page/ }
]
for (const { name, given, verdict, message, next } of cases) {
  t.match(checkNetwork(given, toContext({ listing: given, run: answered })), { verdict, message, ...(next && { next }), ...(verdict === 'failed' && { blame: 'network' }) }, name)
}

const { settings } = toContext({ listing: listed, run: answered }, { apiBaseUrl: 'http://127.0.0.1:81/client' })
t.equal(toHost(settings), '127.0.0.1:81', 'the host is named with its port')
t.equal(toHost({ ...settings, upstream: 'simulator' }), 'The simulator')
