import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Secret } from 'kubernetes-models/v1/Secret'
import { Service } from 'kubernetes-models/v1/Service'
import t from 'tap'
import ts from 'typescript'
import { parse } from 'yaml'
import { startProxy } from '../servers/start-proxy.ts'
import { textOf, toDocuments, toSettings, unknownVariables } from './shipped.ts'

const KINDS = { Deployment, HorizontalPodAutoscaler, NetworkPolicy, PodDisruptionBudget, ConfigMap, Secret, Service }

const FILES = [
  'secret.example.yaml', 'sidecar/deployment.yaml',
  ...['autoscaler', 'deployment', 'disruption-budget', 'network-policy', 'service'].map(name => `shared/${name}.yaml`),
  'replicas/redis-policy.yaml'
]

/** What a cut answer has for its last words after DRAIN_TIMEOUT_MS, and the process for its end. */
const LAST_WORDS_MS = 2_000

const manifests = FILES.map(file => ({ file, manifest: manifestOf(file) }))
const shared = formOf('shared')
const sidecar = formOf('sidecar')
const hasKubectl = spawnSync('kubectl', ['version', '--client']).error === undefined

for (const { file, manifest } of manifests) {
  t.test(`${file} is what Kubernetes takes`, t => {
    t.doesNotThrow(() => validate(manifest))
    t.end()
  })
}

t.test('no field is there that Kubernetes does not know', t => {
  t.strictSame(unknownFields(manifests.map(({ manifest }) => manifest)), [])
  const misspelt = structuredClone(manifestOf('sidecar/deployment.yaml'))
  misspelt.spec.template.spec.initContainers[0].restartpolicy = 'Always'
  t.match(unknownFields([misspelt]), [/"restartpolicy"' does not exist/])
  t.end()
})

for (const form of ['shared', 'sidecar', 'simulator', 'replicas']) {
  t.test(`kustomize builds ${form}`, { skip: hasKubectl ? false : 'there is no kubectl here' }, t => {
    const folder = fileURLToPath(new URL(`../../docker/kubernetes/${form}`, import.meta.url))
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8', timeout: 60_000 })
    t.equal(status, 0, stderr)
    const built = toDocuments(stdout)
    for (const manifest of built) validate(manifest)
    t.strictSame(unknownFields(built), [])
    const references = [...stdout.matchAll(/(?:configMapRef:\s+name|secretName): (\S+)/g)].map(([, name]) => name)
    const generated = built.filter(({ kind }) => kind === 'ConfigMap' || kind === 'Secret').map(({ metadata }) => metadata.name)
    t.strictSame(references.filter(name => !generated.includes(name)), form === 'simulator' ? [] : ['workers-ai-proxy'], 'all but the secret, which is not ours to write')
    t.notMatch(stdout, /image: (\S+:latest|[^:\s]+)$/m, 'every image has a tag that says which')
    t.end()
  })
}

for (const { form, deployment, pod, proxy, environment } of [shared, sidecar]) {
  t.test(`the ${form} form sets what the proxy reads, and the proxy starts with it`, t => {
    t.strictSame(unknownVariables(Object.keys(environment)), [])
    t.doesNotThrow(() => toSettings({ HOST: '0.0.0.0', ...environment }))
    t.end()
  })

  t.test(`the ${form} form gives answers the time to end`, t => {
    const { drainDelayMs, drainTimeoutMs } = toSettings({ HOST: '0.0.0.0', ...environment })
    t.ok(pod.terminationGracePeriodSeconds * 1000 > drainDelayMs + drainTimeoutMs + LAST_WORDS_MS)
    const { periodSeconds, failureThreshold } = proxy.readinessProbe ?? {}
    if (proxy.readinessProbe) t.ok(periodSeconds * failureThreshold * 1000 < drainDelayMs, 'the port is open until nobody is sent there')
    t.end()
  })

  t.test(`the ${form} form gives the proxy nothing that it does not need`, t => {
    t.match({ ...pod.securityContext, ...proxy.securityContext }, {
      runAsNonRoot: true,
      runAsUser: 1000,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' }
    })
    t.match(pod, { automountServiceAccountToken: false, enableServiceLinks: false })
    t.end()
  })

  t.test(`the ${form} form reads its secrets from files that are there`, t => {
    const [mount] = proxy.volumeMounts
    const paths = Object.keys(manifestOf('secret.example.yaml').stringData).map(key => `${mount.mountPath}/${key}`)
    const wanted = Object.entries(environment).filter(([name]) => name.endsWith('_FILE')).map(([, path]) => path)
    t.ok(wanted.length > 0)
    t.strictSame(wanted.filter(path => !paths.includes(path)), [])
    t.equal(pod.volumes[0].secret.secretName, manifestOf('secret.example.yaml').metadata.name)
    t.end()
  })

  t.test(`the ${form} form asks for health where it is told`, async t => {
    const { url } = await startProxy(t)
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].flatMap(name => proxy[name] ?? [])
    for (const { httpGet, exec } of probes) {
      if (exec) t.strictSame(exec.command, JSON.parse(/CMD (\["node".*healthcheck"\])/.exec(textOf('Dockerfile'))?.[1] ?? ''), 'as the image does')
      else t.equal((await fetch(url + httpGet.path)).status, 200, httpGet.path)
    }
    t.ok(probes.length >= 2)
  })

  t.test(`the ${form} form selects its own pods`, t => {
    t.match(deployment.spec.template.metadata.labels, deployment.spec.selector.matchLabels)
    t.end()
  })
}

t.test('what stands around the shared form means its pods', t => {
  const { deployment, proxy, environment } = shared
  const labels = deployment.spec.template.metadata.labels
  t.match(labels, manifestOf('shared/service.yaml').spec.selector)
  t.match(labels, manifestOf('shared/disruption-budget.yaml').spec.selector.matchLabels)
  t.match(labels, manifestOf('shared/network-policy.yaml').spec.podSelector.matchLabels)
  const { apiVersion, kind, metadata: { name } } = deployment
  t.strictSame(manifestOf('shared/autoscaler.yaml').spec.scaleTargetRef, { apiVersion, kind, name })
  t.notOk('replicas' in deployment.spec, 'the autoscaler counts them')
  const [port] = proxy.ports
  t.equal(port.containerPort, toSettings({ HOST: '0.0.0.0', ...environment }).port)
  t.equal(manifestOf('shared/service.yaml').spec.ports[0].targetPort, port.name)
  t.equal(manifestOf('shared/network-policy.yaml').spec.ingress[0].ports[0].port, port.name)
  t.end()
})

t.test('the replicas are the shared form, with what they share', t => {
  const { patches } = kustomizationOf('replicas')
  const [deployment, autoscaler] = patches.map(({ target, patch }: { target: { kind: string, name: string }, patch: string }) => {
    const file = { Deployment: 'deployment', HorizontalPodAutoscaler: 'autoscaler' }[target.kind]
    const manifest = manifestOf(`shared/${file}.yaml`)
    t.match(manifest, { kind: target.kind, metadata: { name: target.name } })
    return patched(manifest, parse(patch))
  })
  for (const manifest of [deployment, autoscaler]) validate(manifest)
  t.strictSame(unknownFields([deployment, autoscaler]), [])
  t.equal(autoscaler.spec.minReplicas, 3)
  const { containers: [proxy], terminationGracePeriodSeconds } = deployment.spec.template.spec
  const environment = { ...environmentOf('shared', proxy), ...environmentOf('replicas', { env: [] }) }
  t.strictSame(unknownVariables(Object.keys(environment)), [])
  const settings = toSettings({ HOST: '0.0.0.0', ...environment }, manifestOf('secret.example.yaml').stringData['redis-url'])
  t.match(settings, { redis: { url: /^redis:\/\/:.+@/ } })
  t.ok(settings.storeMaxBytes > 0, 'responses are stored, because every replica finds them')
  t.equal(environment['REDIS_URL_FILE'], `${proxy.volumeMounts[0].mountPath}/redis-url`)
  t.ok(terminationGracePeriodSeconds * 1000 > settings.drainDelayMs + settings.drainTimeoutMs + LAST_WORDS_MS)
  t.match(deployment.spec.strategy.rollingUpdate, { maxUnavailable: 0 }, 'a rolling update takes no replica away before the next one serves')
  t.ok(manifestOf('shared/disruption-budget.yaml').spec.maxUnavailable < autoscaler.spec.minReplicas)
  const policy = manifestOf('replicas/redis-policy.yaml')
  t.match(deployment.spec.template.metadata.labels, policy.spec.podSelector.matchLabels)
  t.equal(policy.spec.egress[0].ports[0].port, Number(new URL(settings.redis?.url ?? '').port))
  t.end()
})

t.test('the sidecar starts before the app, ends after it, and is reached by nobody else', t => {
  const { deployment, proxy, environment } = sidecar
  const { initContainers, containers: [app] } = deployment.spec.template.spec
  t.equal(initContainers[0], proxy)
  t.equal(proxy.restartPolicy, 'Always')
  t.ok(proxy.startupProbe, 'only this one holds the app back')
  t.notOk(proxy.ports)
  const { host, port } = toSettings(environment)
  t.equal(app.env.find(({ name }: { name: string }) => name === 'OPENAI_BASE_URL').value, `http://${host}:${port}/v1`)
  t.end()
})

function formOf (form: string) {
  const deployment = manifestOf(`${form}/deployment.yaml`)
  const { containers, initContainers = [], ...pod } = deployment.spec.template.spec
  const proxy = [...initContainers, ...containers].find(({ name }) => name === 'proxy')
  return { form, deployment, pod, proxy, environment: environmentOf(form, proxy) }
}

function manifestOf (file: string): any {
  const [manifest, ...more] = toDocuments(textOf(`docker/kubernetes/${file}`))
  if (more.length > 0) throw new Error(`${file} holds more than one manifest`)
  return manifest
}

function kustomizationOf (form: string): any {
  return toDocuments(textOf(`docker/kubernetes/${form}/kustomization.yaml`))[0]
}

/** A manifest after the operations of a JSON patch, of which ours need two. */
function patched (manifest: any, operations: Array<{ op: string, path: string, value: unknown }>): any {
  for (const { op, path, value } of operations) {
    const names = path.slice(1).split('/')
    const last = names.pop() ?? ''
    const parent = names.reduce((one, name) => one[name], manifest)
    if (op === 'add' && last === '-') parent.push(value)
    else if (op === 'replace' && last in parent) parent[last] = value
    else throw new Error(`${op} ${path} is no operation of ours`)
  }
  return manifest
}

/** What kustomize generates for the form, and what its container names. */
function environmentOf (form: string, container: any): Record<string, string> {
  const { configMapGenerator } = kustomizationOf(form)
  const literals: string[] = configMapGenerator.flatMap(({ literals }: { literals: string[] }) => literals)
  const named: Array<[string, string]> = container.env.map(({ name, value }: { name: string, value: string }) => [name, value])
  return Object.fromEntries([...literals.map(literal => literal.split('=') as [string, string]), ...named])
}

/** Throws what is wrong with the values of a manifest; fields it does not know pass. */
function validate (manifest: any): void {
  const Kind = KINDS[manifest.kind as keyof typeof KINDS]
  if (Kind === undefined || Kind.apiVersion !== manifest.apiVersion) throw new Error(`${manifest.apiVersion} ${manifest.kind} is no kind of ours`)
  new Kind(manifest).validate()
}

/** What the compiler says of the manifests as literals of their types, where a field too many is a mistake. */
function unknownFields (manifests: any[]): string[] {
  const file = fileURLToPath(new URL('manifests-as-literals.ts', import.meta.url))
  const source = manifests.map(({ apiVersion, kind, ...rest }, index) => {
    const path = `kubernetes-models/${apiVersion === 'v1' ? '' : `${toGroup(apiVersion)}/`}${apiVersion.split('/').at(-1)}/${kind}`
    return `import type { I${kind} as Kind${index} } from '${path}'\n` +
      `export const manifest${index}: Kind${index} = ${JSON.stringify({ apiVersion, kind, ...rest })}\n`
  }).join('')
  const options: ts.CompilerOptions = { module: ts.ModuleKind.NodeNext, strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022 }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = name => name === file || fileExists(name)
  host.getSourceFile = (name, ...rest) => name === file ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest)
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

function toGroup (apiVersion: string): string {
  return apiVersion.split('/')[0] as string
}
