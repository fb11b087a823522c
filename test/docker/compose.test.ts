import t from 'tap'
import { textOf, toDocuments, toSettings, unknownVariables } from './shipped.ts'

/** A service with what the file it extends gives it, as compose merges them. */
function serviceOf (file: string, name: string): any {
  const service = toDocuments(textOf(`docker/${file}`))[0].services[name]
  if (!service.extends) return service
  const base = serviceOf(service.extends.file, service.extends.service)
  return { ...base, ...service, environment: { ...base.environment, ...service.environment } }
}

/** The environment when nobody has set anything: `${NAME:-default}` is the default. */
function environmentOf (service: any): Record<string, string> {
  const entries = Object.entries<string>(service.environment)
  return Object.fromEntries(entries.map(([name, value]) => [name, value.replace(/\$\{\w+:-(.*?)\}/, '$1')]))
}

for (const [file, host] of [['compose.yaml', '0.0.0.0'], ['compose.sidecar.yaml', '127.0.0.1']] as const) {
  t.test(`the proxy of ${file} starts without an account, and only its app reaches it`, t => {
    const proxy = serviceOf(file, 'proxy')
    const environment = environmentOf(proxy)
    t.strictSame(unknownVariables(Object.keys(environment)), [])
    const settings = toSettings({ HOST: '0.0.0.0', ...environment })
    t.match(settings, { upstream: 'simulator', host })
    t.notOk(proxy.ports)
    t.ok(Number.parseInt(proxy.stop_grace_period) * 1000 > settings.drainDelayMs + settings.drainTimeoutMs, 'it is not killed while answers end')
    t.match(proxy, { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    t.end()
  })

  t.test(`the app of ${file} asks where the proxy is, once it is healthy`, t => {
    const { environment, depends_on: dependsOn } = serviceOf(file, 'app')
    const { port } = toSettings(environmentOf(serviceOf(file, 'proxy')))
    t.equal(environment.OPENAI_BASE_URL, `http://${host === '0.0.0.0' ? 'proxy' : host}:${port}/v1`)
    t.equal(dependsOn.proxy.condition, 'service_healthy')
    t.end()
  })
}

t.test('the replicas share Valkey, which nobody else reaches, and only the balancer is published', t => {
  const [{ services, networks, volumes }] = toDocuments(textOf('docker/compose.replicas.yaml'))
  const { balancer, valkey } = services
  const proxy = serviceOf('compose.replicas.yaml', 'proxy')
  const environment = environmentOf(proxy)
  t.strictSame(unknownVariables(Object.keys(environment)), [])
  const settings = toSettings({ HOST: '0.0.0.0', ...environment })
  t.match(settings, { upstream: 'simulator', redis: { url: 'redis://valkey:6379/0' } })
  t.equal(proxy.scale, 3)
  t.ok(Number.parseInt(proxy.stop_grace_period) * 1000 > settings.drainDelayMs + settings.drainTimeoutMs + 2_000, 'no replica is killed while answers end')
  t.ok(settings.drainDelayMs > 2_000, 'the balancer notices before a replica closes its port')
  t.strictSame([proxy.ports, valkey.ports], [undefined, undefined])
  t.match(balancer.ports, [/^127\.0\.0\.1:/], 'on loopback, because there are no keys')
  t.strictSame({ proxy: proxy.networks, balancer: balancer.networks, valkey: valkey.networks }, { proxy: ['front', 'state'], balancer: ['front'], valkey: ['state'] })
  t.equal(networks.state.internal, true)
  t.match(balancer.volumes, [/^\.\/haproxy\.cfg:\/usr\/local\/etc\/haproxy\/haproxy\.cfg:ro$/])
  t.match(textOf('docker/haproxy.cfg'), /server-template proxy 8 proxy:8686 /, 'which knows the replicas by the name of their service')
  t.equal(balancer.ports[0].split(':').at(-1), /bind :(\d+)/.exec(textOf('docker/haproxy.cfg'))?.[1])
  const { command } = valkey
  t.equal(command[command.indexOf('--maxmemory-policy') + 1], 'noeviction', 'budgets do not vanish when it is full')
  t.ok(settings.storeMaxBytes < 0.75 * Number.parseInt(command[command.indexOf('--maxmemory') + 1]) * 2 ** 20, 'responses leave room for everything else')
  t.match(valkey.volumes, [`${Object.keys(volumes)[0]}:/data`])
  for (const { image } of [balancer, valkey]) t.match(image, /:\d+\.\d+$/, 'a version that is not the latest of some day')
  for (const service of [proxy, balancer, valkey]) t.match(service, { healthcheck: {}, read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  t.end()
})

t.test('two variables are all that Cloudflare takes', t => {
  const lines = textOf('docker/.env.example').split('\n').filter(line => /^\w/.test(line))
  const filled = lines.map(line => line.replace(/=$/, `=${'0'.repeat(32)}`))
  const given = Object.fromEntries(filled.map(line => line.split('=') as [string, string]))
  t.equal(lines.filter(line => line.endsWith('=')).length, 2)
  t.equal(toSettings({ ...environmentOf(serviceOf('compose.yaml', 'proxy')), ...given }).upstream, 'cloudflare')
  t.end()
})

t.test('a token can come from a file that is kept out of the repository', t => {
  const [{ services: { proxy }, secrets }] = toDocuments(textOf('docker/compose.secrets.yaml'))
  const environment = { ...environmentOf(serviceOf('compose.yaml', 'proxy')), ...environmentOf(proxy) }
  t.strictSame(unknownVariables(Object.keys(environment)), [])
  t.match(toSettings(environment), { upstream: 'cloudflare', cloudflare: { apiToken: 'text-of-a-secret' } })
  t.strictSame(proxy.secrets, Object.keys(secrets))
  for (const name of proxy.secrets) {
    t.equal(environment['CLOUDFLARE_API_TOKEN_FILE'], `/run/secrets/${name}`)
    t.ok(textOf('.gitignore').split('\n').includes(secrets[name].file.replace('./', 'docker/')))
  }
  t.end()
})
