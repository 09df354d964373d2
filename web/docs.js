// The API reference. It adds one thing to the viewer: an answer that names pictures shows them.
const pictureUrl = /\/files\/[^?#]+\.(png|jpe?g|webp|gif)(\?|$)/i

function picturesIn(value) {
  if (typeof value === 'string') return pictureUrl.test(value) ? [value] : []
  if (value === null || typeof value !== 'object') return []
  return Object.values(value).flatMap(picturesIn)
}

function picturesOf(content) {
  try {
    return picturesIn(typeof content === 'string' ? JSON.parse(content) : content)
  } catch {
    return [] // An answer that is not JSON names no pictures.
  }
}

const showPictures = () => ({
  wrapComponents: {
    responseBody:
      (Original, { React }) =>
      props => {
        const pictures = picturesOf(props.content)
        const shown = pictures.map(src =>
          React.createElement('img', {
            key: src,
            src,
            alt: 'Picture in the answer',
            style: { maxWidth: '100%' },
          }),
        )
        return React.createElement('div', null, React.createElement(Original, props), ...shown)
      },
  },
})

window.SwaggerUIBundle({
  url: '/openapi/full.json',
  dom_id: '#reference',
  deepLinking: true,
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
  plugins: [showPictures],
})
