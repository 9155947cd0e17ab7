// Put before every module of the build that names Intl.Segmenter, by `inject` and `define` of esbuild.
export { PlainSegmenter as __kxSegmenter } from '../src/terminal/plain-segmenter.ts'
