/**
 * The MPI library of this machine, by koffi: Open MPI or MPICH (and what has MPICH's binary interface, such as
 * Intel MPI). Messages are bytes; nothing else of MPI is used, because its own sums promise no order.
 */

import { createRequire } from 'node:module';
import { messageOf, mpiFailed, mpiMissing } from '../../errors.ts';

/** The part of koffi that is used. */
interface Koffi {
  load(path: string): Library;
}

interface Library {
  func(prototype: string): (...given: unknown[]) => number;
  symbol(name: string, type: string): unknown;
}

/** A handle of MPI: a pointer with Open MPI, a number with MPICH. */
type Handle = unknown;

/** Room for one request; its memory must not move while the request is open. */
export type Request = Uint8Array;

export type MpiFlavour = 'Open MPI' | 'MPICH';

/** What differs between the two. */
interface Binary {
  readonly flavour: MpiFlavour;
  /** The C type of handles. */
  readonly handle: string;
  readonly world: Handle;
  readonly byte: Handle;
  readonly returnErrors: Handle;
  readonly anySource: number;
  readonly ignoredStatus: string;
}

/** Names under which the library lies; CALM_MPI comes before them. */
const LIBRARIES =
  process.platform === 'darwin'
    ? ['libmpi.dylib', '/opt/homebrew/lib/libmpi.dylib', '/usr/local/lib/libmpi.dylib']
    : ['libmpi.so.40', 'libmpi.so', 'libmpich.so.12', 'libmpi.so.12', 'libmpi.so.80'];

/** MPICH's processes are started with PMI_RANK, Open MPI's never without a variable of its own. */
const MPICH_FIRST = ['libmpich.so.12', 'libmpi.so.12'];

function candidates(): readonly string[] {
  const { CALM_MPI: given, PMI_RANK, OMPI_COMM_WORLD_RANK } = process.env;
  if (given) return [given];
  const isMpich = PMI_RANK !== undefined && OMPI_COMM_WORLD_RANK === undefined;
  return isMpich ? [...MPICH_FIRST, ...LIBRARIES.filter((name) => !MPICH_FIRST.includes(name))] : LIBRARIES;
}

/** Loads the first library that is there. Throws `mpiMissing` where none is, or koffi is not. */
export function openLibrary(): { readonly library: Library; readonly name: string } {
  const koffi = requireKoffi();
  const problems: string[] = [];
  for (const name of candidates())
    try {
      return { library: koffi.load(name), name };
    } catch (error) {
      problems.push(messageOf(error));
    }
  throw mpiMissing(problems[0] ?? 'none was looked for');
}

function requireKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch (error) {
    throw mpiMissing(`the package koffi does not load (${messageOf(error).replace(/\n.*/s, '')})`);
  }
}

/** What there is: "Open MPI v4.1.4 (libmpi.so.40)". Throws `mpiMissing`. */
export function describeMpi(): string {
  const mpi = new Mpi();
  return `${mpi.version()} (${mpi.name})`;
}

/** The calls of MPI, on the world's communicator. Each throws where MPI says that it failed. */
type Calls = Readonly<Record<keyof typeof PROTOTYPES, (...given: unknown[]) => number>>;

export class Mpi {
  readonly flavour: MpiFlavour;
  readonly name: string;
  readonly #binary: Binary;
  readonly #library: Library;
  readonly #calls: Calls;
  readonly #flag = [0];

  constructor({ library, name } = openLibrary()) {
    const binary = binaryOf(library);
    this.#library = library;
    this.#binary = binary;
    this.#calls = Object.fromEntries(
      Object.entries(PROTOTYPES).map(([call, prototype]) => [
        call,
        library.func(
          prototype.replaceAll('HANDLE', binary.handle).replaceAll('STATUS', binary.ignoredStatus),
        ),
      ]),
    ) as Calls;
    [this.flavour, this.name] = [binary.flavour, name];
  }

  /** Joins the others; called once. Failures of later calls are returned, not the process's end. */
  start(): { rank: number; size: number } {
    const { world, returnErrors } = this.#binary;
    this.#call('start', null, null, 0, [0]);
    this.#call('returnErrors', world, returnErrors);
    return { rank: this.#number('rank'), size: this.#number('size') };
  }

  finish(): void {
    this.#call('finish');
  }

  send(bytes: Uint8Array, to: number, tag: number, request: Request): void {
    const { world, byte } = this.#binary;
    this.#call('send', bytes, bytes.length, byte, to, tag, world, request);
  }

  /** @param from a rank; from any where absent */
  receive(bytes: Uint8Array, from: number | undefined, tag: number, request: Request): void {
    const { world, byte, anySource } = this.#binary;
    this.#call('receive', bytes, bytes.length, byte, from ?? anySource, tag, world, request);
  }

  /** Gives up a request to receive; it is done when it has been given up. */
  cancel(request: Request): void {
    this.#call('cancel', request);
  }

  /** Moves messages on; whether a request is done. */
  isDone(request: Request): boolean {
    this.#call('test', request, this.#flag, this.#ignored);
    return this.#flag[0] !== 0;
  }

  /** "Open MPI v4.1.4, package: …", the first line of it. */
  version(): string {
    const [text, length] = [new Uint8Array(new ArrayBuffer(LONGEST_TEXT)), [0]];
    this.#call('version', text, length);
    return textOf(text, length[0]).replace(/[\n,].*/s, '');
  }

  get #ignored(): unknown {
    return this.#binary.flavour === 'Open MPI' ? null : 1;
  }

  #number(call: 'rank' | 'size'): number {
    const found = [0];
    this.#call(call, this.#binary.world, found);
    return found[0] as number;
  }

  #call(name: keyof typeof PROTOTYPES, ...given: unknown[]): void {
    const code = this.#calls[name](...given);
    if (code !== 0) throw mpiFailed(name, this.#describe(code));
  }

  #describe(code: number): string {
    const [text, length] = [new Uint8Array(new ArrayBuffer(LONGEST_TEXT)), [0]];
    const describe = this.#library.func('int MPI_Error_string(int, void*, _Out_ int*)');
    return describe(code, text, length) === 0 ? textOf(text, length[0]) : `error ${code}`;
  }
}

const LONGEST_TEXT = 8192;

const PROTOTYPES = {
  start: 'int MPI_Init_thread(void*, void*, int, _Out_ int*)',
  returnErrors: 'int MPI_Comm_set_errhandler(HANDLE, HANDLE)',
  rank: 'int MPI_Comm_rank(HANDLE, _Out_ int*)',
  size: 'int MPI_Comm_size(HANDLE, _Out_ int*)',
  finish: 'int MPI_Finalize()',
  send: 'int MPI_Isend(void*, int, HANDLE, int, int, HANDLE, void*)',
  receive: 'int MPI_Irecv(void*, int, HANDLE, int, int, HANDLE, void*)',
  cancel: 'int MPI_Cancel(void*)',
  test: 'int MPI_Test(void*, _Inout_ int*, STATUS)',
  version: 'int MPI_Get_library_version(void*, _Out_ int*)',
} as const;

function textOf(bytes: Uint8Array, length = 0): string {
  return Buffer.from(bytes.subarray(0, length)).toString();
}

function binaryOf(library: Library): Binary {
  const symbol = (name: string) => library.symbol(name, 'void');
  try {
    return {
      flavour: 'Open MPI',
      handle: 'void*',
      world: symbol('ompi_mpi_comm_world'),
      byte: symbol('ompi_mpi_byte'),
      returnErrors: symbol('ompi_mpi_errors_return'),
      anySource: -1,
      ignoredStatus: 'void*',
    };
  } catch {
    // The numbers of mpi.h, the same in everything that has MPICH's binary interface.
    return {
      flavour: 'MPICH',
      handle: 'int',
      world: 0x44000000,
      byte: 0x4c00010d,
      returnErrors: 0x54000001,
      anySource: -2,
      ignoredStatus: 'intptr_t',
    };
  }
}
