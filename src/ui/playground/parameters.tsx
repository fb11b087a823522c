import type { ComponentChildren } from 'preact'
import { useStore } from '../shell/store.ts'
import { chatSettings, type ChatSettings } from './chat-settings.ts'

/** What is sent beside the conversation. */
export function Parameters () {
  const settings = useStore(chatSettings)
  const isWide = matchMedia('(min-width: 60rem)').matches
  return (
    <details class='parameters' open={isWide}>
      <summary>Parameters</summary>
      <div class='fields'>
        <Field name='system' label='System prompt'>
          <textarea id='system' data-testid='system' rows={3} value={settings.system} onInput={event => chatSettings.patch({ system: event.currentTarget.value })} />
        </Field>
        <div class='pair'>
          <Field name='temperature' label='Temperature'>
            <input id='temperature' data-testid='temperature' inputMode='decimal' placeholder='default' value={settings.temperature} onInput={event => chatSettings.patch({ temperature: event.currentTarget.value })} />
          </Field>
          <Field name='max-tokens' label='Max tokens'>
            <input id='max-tokens' data-testid='max-tokens' inputMode='numeric' placeholder='default' value={settings.maxTokens} onInput={event => chatSettings.patch({ maxTokens: event.currentTarget.value })} />
          </Field>
        </div>
        <div class='pair'>
          <Field name='effort' label='Reasoning'>
            <Choice name='effort' value={settings.effort} options={[['', 'default'], ['none', 'none'], ['minimal', 'minimal'], ['low', 'low'], ['medium', 'medium'], ['high', 'high']]} />
          </Field>
          <Field name='format' label='Answer as'>
            <Choice name='format' value={settings.format} options={[['text', 'text'], ['json_object', 'JSON object'], ['json_schema', 'JSON by schema']]} />
          </Field>
        </div>
        {settings.format === 'json_schema' && (
          <Field name='schema' label='JSON schema'>
            <textarea id='schema' data-testid='schema' class='code' rows={8} spellcheck={false} value={settings.schema} onInput={event => chatSettings.patch({ schema: event.currentTarget.value })} />
          </Field>
        )}
        <Switch name='stream' label='Stream the answer' isOn={settings.stream} />
        <Switch name='hasTools' label='Offer tools' isOn={settings.hasTools} />
        {settings.hasTools && (
          <Field name='tools' label='Tools as JSON'>
            <textarea id='tools' data-testid='tools' class='code' rows={12} spellcheck={false} value={settings.tools} onInput={event => chatSettings.patch({ tools: event.currentTarget.value })} />
          </Field>
        )}
      </div>
    </details>
  )
}

function Field ({ name, label, children }: { name: string, label: string, children: ComponentChildren }) {
  return <div class='field'><label for={name}>{label}</label>{children}</div>
}

interface ChoiceProps<Name extends 'effort' | 'format'> {
  name: Name
  value: ChatSettings[Name]
  options: ReadonlyArray<readonly [ChatSettings[Name], string]>
}

function Choice<Name extends 'effort' | 'format'> ({ name, value, options }: ChoiceProps<Name>) {
  return (
    <select id={name} data-testid={name} value={value} onChange={event => chatSettings.patch({ [name]: event.currentTarget.value })}>
      {options.map(([option, label]) => <option key={option} value={option}>{label}</option>)}
    </select>
  )
}

function Switch ({ name, label, isOn }: { name: 'stream' | 'hasTools', label: string, isOn: boolean }) {
  return (
    <label class='switch'>
      <input type='checkbox' data-testid={name} checked={isOn} onChange={event => chatSettings.patch({ [name]: event.currentTarget.checked })} />
      {label}
    </label>
  )
}
