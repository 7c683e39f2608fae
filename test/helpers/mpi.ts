/** Tests that need MPI run where mpirun is installed. */

import { spawnSync } from 'node:child_process';
import test from 'ava';

const found = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });

/** Of Open MPI; undefined where there is no mpirun. */
export const mpiVersion = found.status === 0 ? found.stdout.split('\n')[0] : undefined;

export const testWithMpi = mpiVersion === undefined ? test.serial.skip : test.serial;

/** For as many processes as a test wants, whatever the machine. */
export const MPI_ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
};
