import { type Case, create, patch, read } from './upstream-case.ts'

type Named = { readonly metadata: { readonly name: string; readonly [more: string]: unknown }; readonly [more: string]: unknown }

const asTable = (version = 'v1') => `application/json;as=Table;g=meta.k8s.io;v=${version}`

/** One object as a Table; `status` is what it is given first. */
export const shown = (name: string, path: string, body: Named, status?: object): Case => {
  const own = `${path}/${body.metadata.name}`
  return {
    name,
    given: [create(path, body), ...(status ? [patch('merge', `${own}/status`, { status })] : [])],
    steps: [read(`${own}?includeObject=None`, asTable())],
  }
}

/** The other forms of one object and of the list that it is in. */
export function tableForms(path: string, body: Named): Case[] {
  const own = `${path}/${body.metadata.name}`
  const only = `${path}?fieldSelector=metadata.name%3D${body.metadata.name}`
  const form = (name: string, at: string, accept: string): Case => ({
    name: `forms: ${name}`,
    given: [create(path, body)],
    steps: [read(at, accept)],
  })
  const partial = (as: string, version = 'v1') => `application/json;as=${as};g=meta.k8s.io;v=${version}`
  return [
    form('a table of one', own, asTable()),
    form('a table of one, of the older version', own, asTable('v1beta1')),
    form('a table of one, of no version', own, 'application/json;as=Table;g=meta.k8s.io'),
    form('a table of one, of an unknown version', own, asTable('v2')),
    form('a table of one, of no group', own, 'application/json;as=Table;v=v1'),
    form('a table or else JSON', own, `${asTable('v2')},application/json`),
    form('two versions', own, `${asTable('v1beta1')},${asTable()}`),
    form('a table with whole objects', `${own}?includeObject=Object`, asTable()),
    form('a table with metadata', `${own}?includeObject=Metadata`, asTable()),
    form('a table with what is not known', `${own}?includeObject=Some`, asTable()),
    form('a table with objects without a word', `${own}?includeObject=`, asTable()),
    form('a table of a list', only, asTable()),
    form('a table of a list, of the older version', only, asTable('v1beta1')),
    form('a table of a list with whole objects', `${only}&includeObject=Object`, asTable()),
    form('a table of an empty list', `${path}?labelSelector=none`, asTable()),
    form('a table as protobuf', own, 'application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1'),
    form('a table of what is not there', `${own}-not`, asTable()),
    form('a partial object', own, partial('PartialObjectMetadata')),
    form('a partial object of the older version', own, partial('PartialObjectMetadata', 'v1beta1')),
    form('a partial object of a list', only, partial('PartialObjectMetadata')),
    form('a partial list', only, partial('PartialObjectMetadataList')),
    form('a partial list of the older version', only, partial('PartialObjectMetadataList', 'v1beta1')),
    form('a partial list of one', own, partial('PartialObjectMetadataList')),
    form('an unknown form', own, partial('Other')),
    { name: 'forms: created as a table', steps: [{ ...create(`${path}?includeObject=None`, body), accept: asTable() }] },
    { name: 'forms: deleted as a table', given: [create(path, body)], steps: [{ method: 'DELETE', path: own, accept: asTable() }] },
    {
      name: 'forms: deleted as partial',
      given: [create(path, body)],
      steps: [{ method: 'DELETE', path: own, accept: partial('PartialObjectMetadata') }],
    },
    { name: 'forms: refused as a table', steps: [{ ...create(path, { metadata: { name: 'A' } }), accept: asTable() }] },
  ]
}
