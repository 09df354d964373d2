import t from 'tap'
import { otherServer } from '../../fixtures/sources/server.ts'
import { sourceGateway } from '../../fixtures/sources/gateway.ts'

t.test('an endpoint is described in ten lines: a picture drawn, and fetched', async t => {
  const server = await otherServer(t, ({ url, headers }) =>
    url === '/picture.png'
      ? { type: 'image/png', body: Buffer.from('PNG') }
      : { body: { code: 0, data: { imgUrl: `http://${headers.host}/picture.png` } } },
  )
  const { add, call, context, registry } = await sourceGateway(t)
  const added = await add({
    name: 'draw',
    kind: 'http',
    url: server.url,
    headers: { Authorization: 'Bearer t' },
    tools: [
      {
        name: 'picture',
        description: 'Draws a picture from Chinese keywords.',
        path: '/generate',
        input: {
          keywords: 'Keywords, separated by commas',
          'style?': { enum: ['guofeng', 'youhua'], default: 'guofeng' },
        },
        body: { official: true, prompt: '{keywords}', style: '{style}', poseT: false },
        answer: 'data.imgUrl',
        download: 'image',
      },
    ],
  })
  t.match(added, { status: 201, body: { state: 'ready', tools: ['draw_picture'] } })
  t.match(registry.get('draw_picture'), { input: { required: ['keywords'] } })
  const { image } = await call('draw_picture', { keywords: '山, 水' })
  t.equal(String(context.saved.get(String(image))?.bytes), 'PNG')
  const [asked] = server.got
  t.match(asked, { method: 'POST', url: '/generate', headers: { authorization: 'Bearer t' } })
  t.same(JSON.parse(String(asked?.body)), {
    official: true,
    prompt: '山, 水',
    style: 'guofeng',
    poseT: false,
  })
})

t.test('arguments stand in paths, queries, headers and every kind of body', async t => {
  const server = await otherServer(t, ({ method, url, headers, body }) => ({
    body: {
      method,
      url,
      note: headers['x-note'],
      type: headers['content-type'],
      body: String(body),
    },
  }))
  const input = {
    a: 'One',
    'b?': { type: 'integer' },
    'list?': { type: 'array', items: { type: 'string' } },
  }
  const tool = (name: string, more: object) => ({ name, description: 'Echoes.', input, ...more })
  const { add, call } = await sourceGateway(t)
  await add({
    name: 'echo',
    kind: 'http',
    url: `${server.url}/base/`,
    tools: [
      tool('get', {
        path: 'x/{a}?fixed={unknown}',
        query: { b: '{b}', list: '{list}' },
        headers: { 'X-Note': 'is {a}' },
      }),
      tool('json', { body: { whole: '{b}', text: 'a is {a}, b is {b}', list: ['{a}', '{b}'] } }),
      tool('form', { bodyAs: 'form', body: { a: '{a}', list: '{list}' } }),
      tool('text', { bodyAs: 'text', body: '{a}!', method: 'PUT' }),
      tool('at', { path: 'x', answer: 'type' }),
    ],
  })
  t.match(await call('echo_get', { a: 'x/y', b: 2, list: 'p,q' }), {
    method: 'GET',
    url: '/base/x/x%2Fy?fixed={unknown}&b=2&list=p&list=q',
    note: 'is x/y',
  })
  t.match(await call('echo_json', { a: 'x' }), {
    method: 'POST',
    body: '{"text":"a is x, b is ","list":["x"]}',
  })
  t.match(await call('echo_json', { a: 'x', b: '3' }), {
    body: '{"whole":3,"text":"a is x, b is 3","list":["x",3]}',
  })
  t.match(await call('echo_form', { a: 'x y', list: ['p', 'q'] }), {
    body: 'a=x%20y&list=p&list=q',
  })
  t.match(await call('echo_text', { a: 'x' }), { method: 'PUT', body: 'x!' })
  await t.rejects(call('echo_get', { a: '..' }), { code: 'TG_ARGUMENT_INVALID' })
  await t.rejects(call('echo_get', { a: 'x\ny' }), { code: 'TG_ARGUMENT_INVALID' })
  await t.rejects(call('echo_at', { a: 'x' }), {
    code: 'TG_UPSTREAM_INVALID',
    message: /there is no type/,
  })
})

t.test('a file goes in as a part and comes out as a file', async t => {
  const server = await otherServer(t, () => ({
    body: { out: `data:image/png;base64,${Buffer.from('PNG').toString('base64')}` },
  }))
  const { add, call, context, registry } = await sourceGateway(t)
  await add({
    name: 'turn',
    kind: 'http',
    url: server.url,
    tools: [
      {
        name: 'picture',
        description: 'Turns a picture.',
        input: { photo: { type: 'image', description: 'What to turn' } },
        bodyAs: 'multipart',
        body: { file: '{photo}', angle: 90 },
        answer: 'out',
        download: 'image',
      },
    ],
  })
  t.match(registry.get('turn_picture')?.input, {
    properties: { photo: { 'x-toolgate-file': 'image' } },
  })
  const photo = context.addFile(Buffer.from('JPG'), 'a.jpg', 'image/jpeg')
  const { image } = await call('turn_picture', {}, { photo })
  t.equal(String(context.saved.get(String(image))?.bytes), 'PNG')
  t.match(
    String(server.got[0]?.body),
    /name="file"; filename="a.jpg"\r\ncontent-type: image\/jpeg\r\n\r\nJPG/,
  )
})

t.test('what an answer names is fetched only where the operator or the public web is', async t => {
  const inside = await otherServer(t, () => ({ type: 'image/png', body: 'PNG' }))
  const server = await otherServer(t, () => ({ body: { url: `${inside.url}/secret` } }))
  const { add, call } = await sourceGateway(t)
  await add({
    name: 'draw',
    kind: 'http',
    url: server.url,
    tools: [{ name: 'it', description: 'Draws.', answer: 'url', download: 'file' }],
  })
  await t.rejects(call('draw_it'), {
    code: 'TG_UPSTREAM_INVALID',
    message: /may not be fetched/,
  })
  t.equal(inside.got.length, 0)
})
