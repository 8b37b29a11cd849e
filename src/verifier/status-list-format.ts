export { decodeStatusList, type StatusBits, StatusList } from './status-list.ts'
export {
  readStatusListToken,
  type SignedStatusList,
  type StatusListExpectation,
} from './status-list-token.ts'
