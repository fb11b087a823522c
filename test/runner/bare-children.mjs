/**
 * Preloaded by tests. tap has every process that a test starts load its recorder of processes, which doubles the CPU of a start and puts
 * hooks into the program under test. Only coverage needs it.
 */
import processOnSpawn from 'process-on-spawn'

if (process.env._TAPJS_PROCESSINFO_COVERAGE_ !== '1') processOnSpawn.removeAllListeners()
