/** Answers byte for byte: how a document ends, and which form a failure has. */
import { type Case, create, namespaced, read, remove } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const metadata = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'
const written = (name: string, path: string, accept?: string): Case => ({
  name,
  steps: [{ ...read(path, accept), asText: true, keeps: ['content-type'] }],
})

export const cases: readonly Case[] = [
  written('a list', configMaps),
  written('an indented list', `${configMaps}?pretty=true`),
  written('a group', '/apis/apps'),
  written('an indented group', '/apis/apps?pretty=1'),
  written('a group as YAML', '/apis/apps', 'application/yaml'),
  written('the resources of a version', '/apis/events.k8s.io/v1'),
  written('nothing there', `${configMaps}/none`),
  written('nothing there, indented', `${configMaps}/none?pretty=true`),
  written('nothing there, as YAML', `${configMaps}/none`, 'application/yaml'),
  written('nothing there, as a table alone', `${configMaps}/none`, table),
  written('nothing there, as a table or an object', `${configMaps}/none`, `${table},application/json`),
  written('nothing there, as metadata alone', `${configMaps}/none`, metadata),
  written('nothing there, in no form', `${configMaps}/none`, 'text/foo'),
  written('no form', configMaps, 'text/foo'),
  written('a wrong parameter', `${configMaps}?limit=x`),
  written('a wrong parameter, indented', `${configMaps}?limit=x&pretty=1`),
  { name: 'a body that is no JSON', steps: [{ ...create(configMaps, '{'), asText: true }] },
  { name: 'a body that is no JSON, indented', steps: [{ ...create(`${configMaps}?pretty=1`, '{'), asText: true }] },
  { name: 'the end of nothing', steps: [{ ...remove(`${configMaps}/none`), asText: true }] },
]
