declare module '*/dashboard/page.html' {
  /** By path: the dashboard as dashboard/build.js makes it. */
  const files: Readonly<Record<string, { readonly type: string; readonly brotli: string }>>;
  export default files;
}
