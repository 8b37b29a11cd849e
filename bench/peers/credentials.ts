/** Of the client `service`, where a peer does not make one up itself. */
export const clientSecret = 'Wm7-vYQ0rJ4kT1nXb9-Lc2sGdUeHa8pZ'
/** Of the user `ada`. */
export const password = 'correct horse battery staple'
