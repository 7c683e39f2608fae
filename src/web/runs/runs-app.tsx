export function RunsApp({ folder }: { readonly folder: string; readonly allowsControl: boolean }) {
  return <p>{folder}</p>;
}
