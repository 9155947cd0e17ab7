// What a user's recipe gets for `zod`: the one that kx brings.
export * from 'zod'
